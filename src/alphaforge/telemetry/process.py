"""What the process takes of the machine, by psutil, which is loaded by the first look."""

from alphaforge.telemetry.figures import Values


def process_figures() -> dict[str, Values]:
    """Memory, time on the processor, files, threads, start; by the names of their families."""
    import psutil  # noqa: PLC0415 - see the module

    process = psutil.Process()
    with process.oneshot():
        spent = process.cpu_times()
        files = process.num_fds() if hasattr(process, "num_fds") else process.num_handles()
        return {
            "alphaforge_process_resident_bytes": {(): process.memory_info().rss},
            "alphaforge_process_cpu_seconds_total": {(): spent.user + spent.system},
            "alphaforge_process_open_files": {(): files},
            "alphaforge_process_threads": {(): process.num_threads()},
            "alphaforge_process_start_seconds": {(): process.create_time()},
        }
