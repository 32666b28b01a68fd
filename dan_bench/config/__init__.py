"""From conf/ and command lines to checked configs."""
