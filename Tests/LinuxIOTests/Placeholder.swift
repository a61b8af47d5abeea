import Testing

@Test("placeholder") func placeholderLinuxIO() {}
