"""The operator's pages: who came, what each person did, and how to put the tag on a site."""
