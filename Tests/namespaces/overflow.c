// Writes behind the end of what it got: for the address sanitizer.
#include <stdlib.h>

int main(int count, char **arguments) {
  (void)arguments;
  volatile char *bytes = malloc(8);
  bytes[8 + count - 1] = 1;
  free((void *)bytes);
  return 0;
}
