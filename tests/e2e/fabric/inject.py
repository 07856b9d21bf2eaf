"""Make another process try a system call, and see what the kernel answers it.

Used to prove that a sandbox holds from the inside. x86-64 only.
"""

import ctypes
import os
import platform

PTRACE_GETREGS, PTRACE_SETREGS, PTRACE_SINGLESTEP = 12, 13, 9
PTRACE_ATTACH, PTRACE_DETACH = 16, 17
SYS_SOCKET, SYS_CONNECT, SYS_BIND, SYS_EXECVE, SYS_OPENAT = 41, 42, 49, 59, 257
REGS = ("r15 r14 r13 r12 rbp rbx r11 r10 r9 r8 rax rcx rdx rsi rdi orig_rax rip cs eflags rsp ss "
        "fs_base gs_base ds es fs gs").split()
supported = platform.machine() == "x86_64"


class Regs(ctypes.Structure):
    _fields_ = [(name, ctypes.c_ulonglong) for name in REGS]


_libc = ctypes.CDLL(None, use_errno=True)
_libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
_libc.ptrace.restype = ctypes.c_long


def _ptrace(request, pid, data=None):
    if _libc.ptrace(request, pid, None, data) != 0:
        err = ctypes.get_errno()
        raise OSError(err, os.strerror(err))


def syscall_in(pid, number, *args):
    """The result (or -errno) of a system call made by process pid, which goes on as before.

    The process is stopped inside a system call of its own event loop, so the two octets
    before its instruction pointer are the `syscall` instruction. -1000: it was killed.
    """
    _ptrace(PTRACE_ATTACH, pid)
    os.waitpid(pid, 0)
    saved, regs = Regs(), Regs()
    _ptrace(PTRACE_GETREGS, pid, ctypes.byref(saved))
    ctypes.memmove(ctypes.byref(regs), ctypes.byref(saved), ctypes.sizeof(Regs))
    regs.rip, regs.rax, regs.orig_rax = saved.rip - 2, number, 2**64 - 1
    for name, value in zip(("rdi", "rsi", "rdx", "r10"), args):
        setattr(regs, name, value & (2**64 - 1))
    _ptrace(PTRACE_SETREGS, pid, ctypes.byref(regs))
    _ptrace(PTRACE_SINGLESTEP, pid)
    status = os.waitpid(pid, 0)[1]
    if not os.WIFSTOPPED(status):
        return -1000
    _ptrace(PTRACE_GETREGS, pid, ctypes.byref(regs))
    _ptrace(PTRACE_SETREGS, pid, ctypes.byref(saved))
    _ptrace(PTRACE_DETACH, pid)
    return ctypes.c_longlong(regs.rax).value
