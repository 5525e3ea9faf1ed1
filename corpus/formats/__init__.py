"""One reader per transcript format; `detect` tells by content which one a file needs."""
