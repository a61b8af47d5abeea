print("vtep")
