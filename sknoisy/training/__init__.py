"""Methods that train and clean in one."""
