"""What people write: manifests, their defaults and their errors."""
