"""Lost rank: how a rank notices that another one is gone, and the exit status it then ends with."""

LOST = 76  # exit status of a rank that ends because another one is gone
_WORDS = (
    "Connection closed by peer",
    "Connection reset by peer",
    "Broken pipe",
    "remote process exited",  # NCCL's words, and the next
    "communicator was aborted",
)


def is_lost_rank(error: RuntimeError) -> bool:
    """Does the error say that another rank of this run is gone? Its own message says why."""
    return any(words in str(error) for words in _WORDS)
