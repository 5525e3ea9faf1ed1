"""Plants identifiers of invented people in real-shaped text and counts which are found."""
