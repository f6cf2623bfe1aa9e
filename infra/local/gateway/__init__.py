"""One endpoint in front of both emulators, because an SDK has one `AWS_ENDPOINT_URL`."""
