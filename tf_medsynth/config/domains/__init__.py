"""The domains that come along, one file each: what a builder states about its data set."""
