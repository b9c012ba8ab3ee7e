// The layouts are declared in the header, and asserted there.
#include "CLayouts.h"
