/// The clock and the executor of a simulated world. For tests.
#ifndef CSIMULATION_H
#define CSIMULATION_H
#endif
