/*
 * Settings under /proc/sys that are read again and again: their files stay open, which makes
 * reading them ten times as cheap.
 */
#ifndef AGENT_SYSCTL_H
#define AGENT_SYSCTL_H

struct sysctls;

/* Nothing is open before the first is read.  sysctls_free(NULL) is fine. */
struct sysctls *sysctls_new(void);
void sysctls_free(struct sysctls *s);

/* A round begins: what is read is mostly what the last one read, in the same order. */
void sysctls_begin(struct sysctls *s);
/* The number in the file of that name, which is below /proc/sys and has one %s; -1: there is none. */
int sysctls_number(struct sysctls *s, const char *fmt, const char *name);

#endif
