"""A Windows job object that ends everything in it when its first process ends.

The first process of ours makes one and joins it before it starts anything.
What it starts, and what that starts, is then born inside the job, since membership
is inherited (https://learn.microsoft.com/windows/win32/procthread/job-objects). The
one handle is ours and is never inherited. Windows closes it when we end, in whatever
way, and with JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE the closing of the last handle ends
every process in the job
(https://learn.microsoft.com/windows/win32/api/winnt/ns-winnt-jobobject_basic_limit_information).

Standard library only: the bootstrap uses it before anything is installed.
"""

from __future__ import annotations

import ctypes
import sys
from ctypes import wintypes
from typing import TYPE_CHECKING

assert sys.platform == "win32" or not TYPE_CHECKING  # noqa: S101 - for mypy --platform

_EXTENDED_LIMIT_INFORMATION = 9
_LIMIT_KILL_ON_JOB_CLOSE = 0x00002000


class _BasicLimits(ctypes.Structure):
    """JOBOBJECT_BASIC_LIMIT_INFORMATION."""

    _fields_ = (
        ("PerProcessUserTimeLimit", wintypes.LARGE_INTEGER),
        ("PerJobUserTimeLimit", wintypes.LARGE_INTEGER),
        ("LimitFlags", wintypes.DWORD),
        ("MinimumWorkingSetSize", ctypes.c_size_t),
        ("MaximumWorkingSetSize", ctypes.c_size_t),
        ("ActiveProcessLimit", wintypes.DWORD),
        ("Affinity", ctypes.c_size_t),
        ("PriorityClass", wintypes.DWORD),
        ("SchedulingClass", wintypes.DWORD),
    )


class _InputOutputCounters(ctypes.Structure):
    """IO_COUNTERS, six counters of which we want none."""

    _fields_ = (("counters", ctypes.c_ulonglong * 6),)


class _ExtendedLimits(ctypes.Structure):
    """JOBOBJECT_EXTENDED_LIMIT_INFORMATION."""

    _fields_ = (
        ("BasicLimitInformation", _BasicLimits),
        ("IoInfo", _InputOutputCounters),
        ("ProcessMemoryLimit", ctypes.c_size_t),
        ("JobMemoryLimit", ctypes.c_size_t),
        ("PeakProcessMemoryUsed", ctypes.c_size_t),
        ("PeakJobMemoryUsed", ctypes.c_size_t),
    )


def join_lifetime_job() -> None:
    """Make a job that dies with this process, and put this process into it.

    Call it once, in the first process, before anything is started. Since
    Windows 8 it also works inside another job, such as a terminal's
    (https://learn.microsoft.com/windows/win32/procthread/nested-jobs).

    Raises:
        OSError: Windows refuses; children might then outlive us.
    """
    kernel = _kernel()
    # Without security attributes the handle is not inherited, which it must not
    # be: a child that held it would keep the job, and so itself, alive.
    job = kernel.CreateJobObjectW(None, None)
    if not job:
        raise ctypes.WinError(ctypes.get_last_error())
    limits = _ExtendedLimits()
    limits.BasicLimitInformation.LimitFlags = _LIMIT_KILL_ON_JOB_CLOSE
    joined = kernel.SetInformationJobObject(
        job, _EXTENDED_LIMIT_INFORMATION, ctypes.byref(limits), ctypes.sizeof(limits)
    ) and kernel.AssignProcessToJobObject(job, kernel.GetCurrentProcess())
    if not joined:
        error = ctypes.WinError(ctypes.get_last_error())
        kernel.CloseHandle(job)
        raise error
    # The handle stays open until the process ends: closing it would end us.


def _kernel() -> ctypes.WinDLL:
    kernel = ctypes.WinDLL("kernel32", use_last_error=True)
    # Without these ctypes passes handles as 32-bit integers.
    kernel.CreateJobObjectW.argtypes = (wintypes.LPVOID, wintypes.LPCWSTR)
    kernel.CreateJobObjectW.restype = wintypes.HANDLE
    kernel.SetInformationJobObject.argtypes = (
        wintypes.HANDLE,
        ctypes.c_int,
        wintypes.LPVOID,
        wintypes.DWORD,
    )
    kernel.SetInformationJobObject.restype = wintypes.BOOL
    kernel.AssignProcessToJobObject.argtypes = (wintypes.HANDLE, wintypes.HANDLE)
    kernel.AssignProcessToJobObject.restype = wintypes.BOOL
    kernel.GetCurrentProcess.argtypes = ()
    kernel.GetCurrentProcess.restype = wintypes.HANDLE
    kernel.CloseHandle.argtypes = (wintypes.HANDLE,)
    kernel.CloseHandle.restype = wintypes.BOOL
    return kernel
