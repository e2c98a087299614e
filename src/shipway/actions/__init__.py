"""One verb, one file. Actions take ports, never a driver; the command line and the server both reach them."""
