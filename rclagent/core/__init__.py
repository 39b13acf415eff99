"""Pure types that the whole library shares; no input or output, no concurrency, no clock."""
