"""References that are not trained. Each is there because it fools some metric."""
