"""What lies on a disk: folders of patients found, read, examined, compared and turned into proposals."""
