"""What can be computed from text: behaviours of a therapist, risk language, loops, diversity.

Pure functions over strings and `Turn`s; the word lists they rest on are data in `lexicons/`, each
with its source. They hold for English, and they read words, not meaning: each module says what it
does not cover.
"""
