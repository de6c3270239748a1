"""Which addresses alerts may go to, in hostile spellings."""

import socket
import threading
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alphaforge.alerts.addresses import PrivateAddress, is_public, is_public_host, literal, only_public, refused

PRIVATE = [
    *("127.0.0.1", "127.255.255.254", "0.0.0.0", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254"),  # noqa: S104 - refused here
    *("100.64.0.1", "100.100.100.200", "168.63.129.16", "192.0.2.1", "198.18.0.1", "224.0.0.1", "240.0.0.1"),
    *("255.255.255.255", "::", "::1", "fe80::1", "fc00::1", "fd00:ec2::254", "ff02::1", "fec0::1", "2001:db8::1"),
    *("::ffff:127.0.0.1", "::ffff:10.0.0.1", "::127.0.0.1", "2002:7f00:1::", "64:ff9b::a9fe:a9fe", "64:ff9b::7f00:1"),
]
PUBLIC = ["1.1.1.1", "8.8.8.8", "172.15.0.1", "172.32.0.1", "2606:4700::1111", "::ffff:1.1.1.1", "64:ff9b::808:808"]


@pytest.mark.parametrize("text", PRIVATE)
def test_addresses_of_this_machine_its_networks_and_clouds_are_not_public(text: str) -> None:
    assert not is_public(ip_address(text))
    assert not is_public_host(text)
    assert not is_public_host(f"[{text}]")


@pytest.mark.parametrize("text", PUBLIC)
def test_addresses_of_the_internet_are_public(text: str) -> None:
    assert is_public(ip_address(text))
    assert is_public_host(text)


def spellings(address: IPv4Address) -> list[str]:
    number, parts = int(address), [int(part) for part in str(address).split(".")]
    a, b, c, d = parts
    return [
        str(address),
        str(number),
        hex(number),
        f"0{number:o}",
        ".".join(hex(part) for part in parts),
        ".".join(f"0{part:o}" for part in parts),
        f"{a}.{b}.{(c << 8) + d}",
        f"{a}.{(b << 16) + (c << 8) + d}",
        f"::ffff:{address}",
        f"[::ffff:{address}]",
        f"::ffff:{address}%eth0",
    ]


inside = st.sampled_from(["127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16"]).flatmap(
    lambda text: st.integers(0, ip_network(text).num_addresses - 1).map(
        lambda offset: IPv4Address(int(ip_network(text).network_address) + offset)
    )
)


@given(inside)
def test_no_spelling_of_a_private_address_passes(address: IPv4Address) -> None:
    for text in spellings(address):
        assert not is_public_host(text), text


@given(st.ip_addresses(v=4))
def test_every_spelling_means_the_same_address(address: IPv4Address) -> None:
    for text in spellings(address):
        found = literal(text)
        assert (found.ipv4_mapped if isinstance(found, IPv6Address) else found) == address, text


@pytest.mark.parametrize("name", ["localhost", "LOCALHOST.", "a.localhost"])
def test_names_of_this_machine_are_not_public(name: str) -> None:
    assert not is_public_host(name)


def test_other_names_are_believed_until_they_are_connected_to() -> None:
    assert is_public_host("hooks.example.org")
    assert is_public_host("127.0.0.1.example.org")


@pytest.fixture
def listener() -> socket.socket:
    return socket.create_server(("127.0.0.1", 0))


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "2130706433", "0x7f.1"])
def test_a_guarded_thread_cannot_connect_here_however_it_is_spelled(listener: socket.socket, host: str) -> None:
    with listener, only_public(), pytest.raises(PrivateAddress):
        socket.create_connection((host, listener.getsockname()[1]), timeout=1).close()
    assert refused() in {"127.0.0.1", "::1"}


def test_a_guarded_thread_cannot_send_datagrams_here_nor_connect_to_a_local_socket() -> None:
    with only_public():
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as talker, pytest.raises(PrivateAddress):
            talker.sendto(b"x", ("127.0.0.1", 9))
        with socket.socket(socket.AF_UNIX) as local, pytest.raises(PrivateAddress):
            local.connect("/nowhere")


def test_other_threads_and_the_time_after_are_not_guarded(listener: socket.socket) -> None:
    address, reached = listener.getsockname(), []

    def connect() -> None:
        socket.create_connection(address).close()
        reached.append(True)

    with listener:
        with only_public():
            other = threading.Thread(target=connect)
            other.start()
            other.join()
        connect()
    assert reached == [True, True]
