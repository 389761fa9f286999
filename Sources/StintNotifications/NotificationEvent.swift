// Events, and what each member is told of them.
