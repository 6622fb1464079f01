"""Topics over the films of an index: found, measured, named, stored, shown."""
