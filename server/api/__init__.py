"""The server-side API under /api: Intercom's shapes for what Intercom has, and the native additions."""
