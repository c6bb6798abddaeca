"""Where programs that are measured run, and that others do not disturb them."""
import os


def run_first(processors=None, priority=1):
    """For subprocess's preexec_fn: on these processors (default: all), and, where that is allowed, before all other
    programs of the machine; among those that run first, a higher priority (1 to 99) goes before a lower one."""
    def apply():
        os.sched_setaffinity(0, processors or range(os.cpu_count()))
        try:
            os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(priority))
        except PermissionError:
            pass
    return apply
