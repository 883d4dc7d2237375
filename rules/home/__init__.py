"""What goes on in a home: who may open what when, and what stands open or runs."""
