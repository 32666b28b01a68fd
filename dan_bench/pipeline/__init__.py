"""One run: trained, evaluated, recorded."""
