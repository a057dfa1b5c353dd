"""Updates by TUF: what a repository publishes, checked the same from a server and from a stick."""
