"""Claude in one's own program: the same runner, sessions and limits as in a chat, without any server."""
