/*
 * A disk that fails, for one program: loaded before the C library (LD_PRELOAD), it stands between SQLite and the kernel.
 *
 * FAILING_DISK names a file with one line, read again at each write: `WHAT ERRNO PATH`. It concerns files whose path begins with PATH. WHAT is
 *   write  every write and every sync fails with ERRNO
 *   sync   every sync fails with ERRNO; writes seem to succeed
 *   tear   the next write of a page writes half of it, and the process is killed
 * Where there is no such line, all goes well.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* SQLite writes headers as well: half of one of those would be no torn page. */
#define PAGE_BYTES 4096

typedef ssize_t (*pwrite_function)(int, const void *, size_t, off_t);
typedef int (*sync_function)(int);

/* What is wrong with the disk below this open file, and by which errno; an empty string if nothing is. */
static const char *fault_of(int fd, int *error) {
  static _Thread_local char what[16];
  char link[64], path[4096], prefix[4096];
  const char *control = getenv("FAILING_DISK");
  FILE *file = control == NULL ? NULL : fopen(control, "re");
  if (file == NULL) return "";
  int fields = fscanf(file, "%15s %d %4095s", what, error, prefix);
  fclose(file);
  if (fields != 3) return "";
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t length = readlink(link, path, sizeof path - 1);
  if (length < 0) return "";
  path[length] = '\0';
  return strncmp(path, prefix, strlen(prefix)) == 0 ? what : "";
}

static ssize_t write_at(const char *name, int fd, const void *bytes, size_t count, off_t offset) {
  pwrite_function real = (pwrite_function)dlsym(RTLD_NEXT, name);
  int error = 0;
  const char *fault = fault_of(fd, &error);
  if (strcmp(fault, "write") == 0) {
    errno = error;
    return -1;
  }
  if (strcmp(fault, "tear") == 0 && count >= PAGE_BYTES) {
    real(fd, bytes, count / 2, offset);
    kill(getpid(), SIGKILL);
  }
  return real(fd, bytes, count, offset);
}

static int sync_of(const char *name, int fd) {
  sync_function real = (sync_function)dlsym(RTLD_NEXT, name);
  int error = 0;
  const char *fault = fault_of(fd, &error);
  if (strcmp(fault, "write") == 0 || strcmp(fault, "sync") == 0) {
    errno = error;
    return -1;
  }
  return real(fd);
}

ssize_t pwrite(int fd, const void *bytes, size_t count, off_t offset) { return write_at("pwrite", fd, bytes, count, offset); }
ssize_t pwrite64(int fd, const void *bytes, size_t count, off64_t offset) { return write_at("pwrite64", fd, bytes, count, offset); }
int fsync(int fd) { return sync_of("fsync", fd); }
int fdatasync(int fd) { return sync_of("fdatasync", fd); }
