"""The cache of answers."""

from pydantic import Field

from alphaforge.api.schemas.common import Answer


class CacheStatistics(Answer):
    """Counts of this process since its start."""

    enabled: bool
    certain: bool = Field(description="Whether every commit is known here without asking; always so on SQLite.")
    answers: int = Field(description="Kept in this process.")
    bytes: int = Field(description="What they take, all encodings and their keeping included.")
    most_bytes: int = Field(description="What they may take: CACHE_BYTES.")
    evicted: int = Field(description="Answers that made room for others.")
    hits: int = Field(description="Questions answered from memory.")
    misses: int = Field(description="Answers that were made.")
    joined: int = Field(description="Questions that waited for an answer that was being made.")
    shared_hits: int = Field(description="Answers found in Redis instead of being made.")
    bypassed: int = Field(description="Questions for which memory was not asked: switched off, or not certain.")
    hit_rate: float | None = Field(description="Hits in percent of hits, misses and joined; null before the first.")
    changes: dict[str, int] = Field(description="How often each noun changed.")
