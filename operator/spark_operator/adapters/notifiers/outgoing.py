"""POST to addresses that users wrote: bounded, without redirects, and not to where it would harm.

Credentials may be part of the address, so no error names more of it than the host, and no error
carries its cause.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import httpx

from spark_operator.adapters.addresses import ForbiddenAddressError, UnresolvedError, resolve
from spark_operator.ports.notifications import ChannelError, ChannelRefusedError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from spark_operator.adapters.addresses import Address

MAX_BODY_BYTES: Final = 65_536
MAX_ANSWER_BYTES: Final = 16_384
MAX_ADDRESSES: Final = 4
"""Addresses of one host that are tried one after the other."""


class Outgoing:
    """Posts through one client; a host's name is resolved once and the result is what is used."""

    def __init__(self, http: httpx.AsyncClient, *, loopback: bool = False) -> None:
        """``loopback`` allows addresses of this machine, for an operator outside of a cluster."""
        self._http = http
        self._loopback = loopback

    async def post(self, address: str, body: bytes, headers: Mapping[str, str]) -> None:
        """Send one body; return once the server has taken it (2xx).

        Raises:
            ChannelRefusedError: the server does not want it, or nothing may be sent there.
            ChannelError: the server could not be reached or cannot take it now.
        """
        if len(body) > MAX_BODY_BYTES:
            raise ChannelRefusedError(f"the message is larger than {MAX_BODY_BYTES} bytes")
        url = _parsed(address)
        found = await self._resolved(url.host, url.port or (443 if url.scheme == "https" else 80))
        for ip in found[:MAX_ADDRESSES]:
            try:
                await self._exchange(url, ip, body, headers)
            except httpx.ConnectError:
                continue
            except httpx.TimeoutException:
                raise ChannelError(f"{url.host} did not answer in time") from None
            except httpx.HTTPError as error:
                raise ChannelError(f"{url.host}: {type(error).__name__}") from None
            return
        raise ChannelError(f"{url.host} refuses the connection, or its certificate is not trusted")

    async def _resolved(self, host: str, port: int) -> list[Address]:
        try:
            return await resolve(host, port, loopback=self._loopback)
        except UnresolvedError as error:
            raise ChannelError(str(error)) from None
        except ForbiddenAddressError as error:
            raise ChannelRefusedError(str(error)) from None

    async def _exchange(
        self, url: httpx.URL, ip: Address, body: bytes, headers: Mapping[str, str]
    ) -> None:
        # The very address that was checked is connected to: a name that is resolved a second time
        # may lead elsewhere.  A connection serves one exchange, because the pool knows it by its
        # address and would reuse it for another host's name without checking the certificate.
        target = url.copy_with(host=str(ip))
        own = {
            "Host": url.netloc.decode("ascii"),
            "Connection": "close",
            "Content-Type": "application/json",
            "User-Agent": "spark-operator",
        }
        extensions = {"sni_hostname": url.raw_host.decode("ascii")}
        async with self._http.stream(
            "POST", target, content=body, headers={**headers, **own}, extensions=extensions
        ) as response:
            size = 0
            async for chunk in response.aiter_raw():
                size += len(chunk)
                if size > MAX_ANSWER_BYTES:
                    break
            _judge(url.host, response)


def _parsed(address: str) -> httpx.URL:
    try:
        url = httpx.URL(address)
    except (httpx.InvalidURL, ValueError, TypeError):
        raise ChannelRefusedError("the address is no URL: write https://HOST/PATH") from None
    if url.scheme not in ("http", "https") or not url.host or url.userinfo:
        raise ChannelRefusedError(
            "the address must begin with http:// or https:// and a host, without credentials"
        )
    return url


def _judge(host: str, response: httpx.Response) -> None:
    status = response.status_code
    if 200 <= status < 300:
        return
    if 300 <= status < 400:
        raise ChannelRefusedError(f"{host} answered {status}: redirects are not followed")
    if status in (408, 429) or status >= 500:
        raise ChannelError(f"{host} answered {status}", retry_after=_retry_after(response))
    raise ChannelRefusedError(f"{host} answered {status}: check the channel's address and key")


def _retry_after(response: httpx.Response) -> float:
    text = response.headers.get("retry-after", "")
    return float(text) if text.isdecimal() and len(text) < 7 else 0.0
