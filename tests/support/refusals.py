"""What a command says of input that it refuses."""


def refused_line(main, capsys, *arguments) -> str:
    """The one line on standard error of a command that ends with 2 and prints nothing else."""
    assert main([str(argument) for argument in arguments]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    (line,) = printed.err.splitlines()
    return line
