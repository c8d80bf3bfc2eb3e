"""What C# for Unity has to keep to beside its grammar: depth, version of the language, names."""
