"""Access logs of web servers, read into page views. No store, no web: `leadtrail import` records them."""
