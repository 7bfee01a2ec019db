/*
 * Stand-ins for the functions that Debian's libstdc++ and libgcc take from glibc and musl lacks. With them, a program for
 * musl starts on a machine without a libstdc++ for musl. The file has the name of glibc's loader, which those libraries
 * request. An exception would end the program, because _dl_find_object finds nothing; none passes through here.
 */
typedef unsigned long size_t;

long getrandom(void *, size_t, unsigned);
size_t strftime_l(char *, size_t, const char *, const void *, void *);
unsigned long getauxval(unsigned long);
void *malloc(size_t);
void free(void *);
int pthread_once(int *, void (*)(void));
int pthread_key_create(unsigned *, void (*)(void *));
int pthread_setspecific(unsigned, const void *);

char __libc_single_threaded = 0;
unsigned __cpu_model[4];

int __cpu_indicator_init(void) { return 0; }

int _dl_find_object(void *address, void *found) { return -1; }

unsigned long __getauxval(unsigned long type) { return getauxval(type); }

unsigned arc4random(void) {
  unsigned word;
  while (getrandom(&word, sizeof word, 0) != sizeof word)
    ;
  return word;
}

size_t __strftime_l(char *to, size_t size, const char *format, const void *time, void *locale) {
  return strftime_l(to, size, format, time, locale);
}

struct ending {
  void (*run)(void *);
  void *object;
  struct ending *next;
};

static __thread struct ending *endings;
static unsigned key;
static int key_made;

static void run_endings(void *unused) {
  while (endings) {
    struct ending *it = endings;
    endings = it->next;
    it->run(it->object);
    free(it);
  }
}

static void make_key(void) { pthread_key_create(&key, run_endings); }

int __cxa_thread_atexit_impl(void (*run)(void *), void *object, void *library) {
  struct ending *it = malloc(sizeof *it);
  if (!it) return -1;
  pthread_once(&key_made, make_key);
  *it = (struct ending){run, object, endings};
  endings = it;
  return pthread_setspecific(key, &endings);
}
