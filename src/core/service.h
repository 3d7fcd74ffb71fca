/* service.h: what the service manager is told (sd_notify protocol): readiness, stopping, watchdog. No-ops without NOTIFY_SOCKET. */
#ifndef CORE_SERVICE_H
#define CORE_SERVICE_H

#include <stdint.h>

void service_setup(void); /* before the sandbox: opens the notify socket */
void service_tell(const char *state); /* "READY=1", "STOPPING=1", "RELOADING=1", "STATUS=..." */
uint64_t service_watchdog_ms(void);   /* half the interval asked for; 0: none */

#endif
