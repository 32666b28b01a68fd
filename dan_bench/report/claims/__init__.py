"""The claims of the paper, of the note and our own, each judged from the records alone."""
