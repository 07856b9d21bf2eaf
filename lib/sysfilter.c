/*
 * A seccomp filter; see sysfilter.h.  Sources: seccomp(2), linux/seccomp.h, linux/audit.h.
 *
 *	not our architecture: kill
 *	a call that is looked at closer: to "closer"; one of the list: to "listed"
 *	return other
 *	closer: without PROT_EXEC to "listed"
 *	return other
 *	listed: return listed
 *
 * Jumps go forward only and at most 255 instructions far.
 */
#include "lib/sysfilter.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <sys/mman.h>
#include <sys/prctl.h>

#if defined(__x86_64__) && defined(__LP64__)
#define ARCH AUDIT_ARCH_X86_64
#define X32_BIT 0x40000000u /* asm/unistd.h: the other numbers under the same AUDIT_ARCH */
#elif defined(__aarch64__) && defined(__AARCH64EL__)
#define ARCH AUDIT_ARCH_AARCH64
#elif defined(__riscv) && __riscv_xlen == 64
#define ARCH AUDIT_ARCH_RISCV64
#elif defined(__loongarch64)
#define ARCH AUDIT_ARCH_LOONGARCH64
#elif defined(__powerpc64__) && defined(__LITTLE_ENDIAN__)
#define ARCH AUDIT_ARCH_PPC64LE
#elif defined(__s390x__)
#define ARCH AUDIT_ARCH_S390X
#else
#error "no name for this architecture in linux/audit.h is known here"
#endif

#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
#define LOW_HALF 4
#else
#define LOW_HALF 0
#endif

#define LOAD(field)	  BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (field))
#define IF(op, value, yes, no) BPF_JUMP(BPF_JMP | (op) | BPF_K, (value), (uint8_t)(yes), (uint8_t)(no))
#define RETURN(action)	  BPF_STMT(BPF_RET | BPF_K, (action))

struct program {
	struct sock_filter *at;
	size_t n;
};

static void
put(struct program *p, struct sock_filter instruction)
{
	p->at[p->n++] = instruction;
}

static void
put_architecture(struct program *p)
{
	put(p, (struct sock_filter)LOAD(offsetof(struct seccomp_data, arch)));
	put(p, (struct sock_filter)IF(BPF_JEQ, ARCH, 1, 0));
	put(p, (struct sock_filter)RETURN(SECCOMP_RET_KILL_PROCESS));
	put(p, (struct sock_filter)LOAD(offsetof(struct seccomp_data, nr)));
#ifdef X32_BIT
	put(p, (struct sock_filter)IF(BPF_JGE, X32_BIT, 0, 1));
	put(p, (struct sock_filter)RETURN(SECCOMP_RET_KILL_PROCESS));
#endif
}

size_t
sysfilter_build(const struct sysfilter *f, struct sock_filter ret[SYSFILTER_MAX])
{
	struct program p = { .at = ret };
	size_t calls_end, listed;

	if (f->n > SYSFILTER_CALLS_MAX)
		return 0;
	put_architecture(&p);
	calls_end = p.n + f->n + (f->no_exec[0] != 0) + (f->no_exec[1] != 0);
	listed = calls_end + 4;
	for (size_t i = 0; i < 2; i++)
		if (f->no_exec[i] != 0)
			put(&p, (struct sock_filter)IF(BPF_JEQ, (uint32_t)f->no_exec[i], calls_end - p.n, 0));
	for (size_t i = 0; i < f->n; i++)
		put(&p, (struct sock_filter)IF(BPF_JEQ, (uint32_t)f->call[i], listed - p.n - 1, 0));
	put(&p, (struct sock_filter)RETURN(f->other));
	put(&p, (struct sock_filter)LOAD(offsetof(struct seccomp_data, args[2]) + LOW_HALF));
	put(&p, (struct sock_filter)IF(BPF_JSET, PROT_EXEC, 0, 1));
	put(&p, (struct sock_filter)RETURN(f->other));
	put(&p, (struct sock_filter)RETURN(f->listed));
	return p.n;
}

int
sysfilter_enter(const struct sysfilter *f)
{
	struct sock_filter code[SYSFILTER_MAX];
	struct sock_fprog prog = { .filter = code };

	prog.len = (unsigned short)sysfilter_build(f, code);
	if (prog.len == 0)
		return -E2BIG;
	return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog) == 0 ? 0 : -errno;
}
