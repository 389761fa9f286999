int ceiling_dummy;
