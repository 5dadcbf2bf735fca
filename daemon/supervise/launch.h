/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Starting one service: fork, put the child into the state that its configuration asks for, exec. The only place that
 * forks services; the keeper will take it over. In the child nothing may fail silently: what cannot be set is said on
 * the service's own log, and only what would be unsafe to go without (its cgroup limits) stops it.
 */
#ifndef EDGEINIT_SUPERVISE_LAUNCH_H
#define EDGEINIT_SUPERVISE_LAUNCH_H

#include <sys/types.h>

#include "supervise/service.h"

/* Start the service with stdout and stderr on log_fd, stdin on /dev/null. notify_path is the path of its notify socket,
 * NULL for none. The service is killed when the caller dies. Returns its pid. */
pid_t launch_service(const struct service_config *service, int log_fd, const char *notify_path, struct error *err);

#endif
