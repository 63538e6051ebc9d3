"""Whether anything answers where a profile says its provider is; no model is called, no key is sent."""

import aiohttp

MOST_S = 3.0


async def why_unreached(address: str) -> str:
    """Name of the error that came instead of an answer; empty where any answer came."""
    limit = aiohttp.ClientTimeout(total=MOST_S)
    try:
        # the proxies of the environment, as calls to the model take them
        async with (
            aiohttp.ClientSession(timeout=limit, trust_env=True) as session,
            session.get(address, allow_redirects=False),
        ):
            return ""
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        return type(error).__name__
