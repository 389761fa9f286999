/// A VFS for SQLite that ends the process, fails or records, call by call. For tests.
#ifndef CFAULTS_H
#define CFAULTS_H
#endif
