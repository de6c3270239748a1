"""What the cache of answers does."""

from fastapi import APIRouter, Request, Response

from alphaforge.api.encoding import json_answer
from alphaforge.api.layers import Layers
from alphaforge.api.schemas import cache as shapes

router = APIRouter(tags=["system"])


@router.get("/api/cache/stats", summary="What the cache of answers does", response_model=shapes.CacheStatistics)
async def cache_statistics(request: Request) -> Response:
    """Counts of this process since its start."""
    layers: Layers = request.app.state.layers
    cache, answers = layers.cache, layers.cache.answers
    traffic = answers.traffic
    asked = traffic.hits + traffic.misses + traffic.joined
    return json_answer(
        {
            "enabled": cache.enabled,
            "certain": cache.freshness.is_certain(),
            "answers": len(answers.memory),
            "bytes": answers.memory.bytes,
            "most_bytes": answers.memory.most,
            "evicted": answers.memory.evicted,
            "hits": traffic.hits,
            "misses": traffic.misses,
            "joined": traffic.joined,
            "shared_hits": traffic.shared_hits,
            "bypassed": traffic.bypassed,
            "hit_rate": round(100 * traffic.hits / asked, 1) if asked else None,
            "changes": dict(answers.generations.changes),
        }
    )
