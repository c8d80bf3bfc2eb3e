"""C# read in processes of their own, which can be ended: what is read may come from anybody."""
