"""One family of use cases each: authorises first, writes its audit event with its effect."""
