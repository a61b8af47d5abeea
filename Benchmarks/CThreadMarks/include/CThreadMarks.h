// What has to be told to the thread sanitizer, which sees nothing of libraries that were not compiled for it.
//
// Linked into a program, it takes the place of the slow paths of Synchronization.Mutex: those where threads wait for
// each other. The fast paths are compiled with the caller, and are seen.
#pragma once
