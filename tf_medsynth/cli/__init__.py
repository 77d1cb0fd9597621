"""The ``medsynth`` command: one file a verb. A verb parses, calls the function of its name, prints."""
