/* jail_seccomp.c: which system calls does a mail server never make? A deny-list on all threads: an allow-list would break with
 * every library update; the service unit holds that one. Calls that only an intruder makes end the process; those that
 * libraries probe for answer "no such call". Failures: no filter, with err; the caller says so in its status. */
#include "core/jail.h"

#include <errno.h>
#include <seccomp.h>
#include <stddef.h>
#include <sys/mman.h>

#include "core/mem.h"

#ifdef PENNYPOST_TEST_HOOKS
enum { TRACE_ACT_IS_DENY = 0 }; /* leak checkers trace the process at its end */
#else
enum { TRACE_ACT_IS_DENY = 1 };
#endif

static const int killed[] = {
	SCMP_SYS(execve), SCMP_SYS(execveat), SCMP_SYS(process_vm_readv), SCMP_SYS(process_vm_writev),
	SCMP_SYS(mount), SCMP_SYS(umount2), SCMP_SYS(pivot_root), SCMP_SYS(chroot), SCMP_SYS(move_mount),
	SCMP_SYS(open_tree), SCMP_SYS(fsopen), SCMP_SYS(fsmount), SCMP_SYS(fsconfig), SCMP_SYS(fspick),
	SCMP_SYS(mount_setattr), SCMP_SYS(bpf), SCMP_SYS(perf_event_open), SCMP_SYS(keyctl),
	SCMP_SYS(add_key), SCMP_SYS(request_key), SCMP_SYS(userfaultfd), SCMP_SYS(open_by_handle_at),
	SCMP_SYS(init_module), SCMP_SYS(finit_module), SCMP_SYS(delete_module), SCMP_SYS(kexec_load),
	SCMP_SYS(kexec_file_load), SCMP_SYS(unshare), SCMP_SYS(setns), SCMP_SYS(reboot), SCMP_SYS(swapon),
	SCMP_SYS(swapoff), SCMP_SYS(acct), SCMP_SYS(iopl), SCMP_SYS(ioperm), SCMP_SYS(settimeofday),
	SCMP_SYS(clock_settime), SCMP_SYS(adjtimex), SCMP_SYS(clock_adjtime), SCMP_SYS(sethostname),
	SCMP_SYS(setdomainname), SCMP_SYS(quotactl), SCMP_SYS(mknod), SCMP_SYS(mknodat),
};

static const int absent[] = { SCMP_SYS(io_uring_setup), SCMP_SYS(io_uring_enter),
	SCMP_SYS(io_uring_register), SCMP_SYS(personality) };

static int add_rules(scmp_filter_ctx ctx)
{
	static const int maps[] = { SCMP_SYS(mmap), SCMP_SYS(mprotect), SCMP_SYS(pkey_mprotect) };
	int failed = 0;

	for (size_t i = 0; i < COUNT_OF(killed) && failed == 0; i++)
		failed = seccomp_rule_add(ctx, SCMP_ACT_KILL_PROCESS, killed[i], 0);
	if (TRACE_ACT_IS_DENY && failed == 0)
		failed = seccomp_rule_add(ctx, SCMP_ACT_KILL_PROCESS, SCMP_SYS(ptrace), 0);
	for (size_t i = 0; i < COUNT_OF(absent) && failed == 0; i++)
		failed = seccomp_rule_add(ctx, SCMP_ACT_ERRNO(ENOSYS), absent[i], 0);
	/* No memory becomes code any more. */
	for (size_t i = 0; i < COUNT_OF(maps) && failed == 0; i++)
		failed = seccomp_rule_add(ctx, SCMP_ACT_ERRNO(EPERM), maps[i], 1,
		    SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, PROT_EXEC));
	return (failed);
}

int jail_calls(struct err *err)
{
	scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_ALLOW);
	int failed;

	if (ctx == NULL)
		return (err_set(err, ERR_TEMPORARY, "make the system call filter: out of memory"));
	failed = seccomp_attr_set(ctx, SCMP_FLTATR_CTL_TSYNC, 1); /* every thread there is */
	if (failed == 0)
		failed = add_rules(ctx);
	if (failed == 0)
		failed = seccomp_load(ctx);
	seccomp_release(ctx);
	if (failed == 0)
		return (0);
	errno = -failed;
	return (err_errno(err, "load the system call filter"));
}
