import socket

from command_line import Run


def test_a_port_that_is_taken_is_code_2_and_says_how_to_choose_another(run: Run) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        refused = run("serve", "--port", port)
    assert refused.code == 2
    assert f"127.0.0.1:{port}" in refused.err
    assert "--port" in refused.err


def test_a_host_that_others_can_reach_is_refused_without_a_key(run: Run) -> None:
    refused = run("serve", "--host", "0.0.0.0")  # noqa: S104 - refused
    assert refused.code == 2
    assert "no API_KEY" in refused.err
