"""A page in the browser over an exported model: patients, lesions of one's own, files to take away."""
